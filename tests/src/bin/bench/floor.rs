//! The floors: a gRPC service with nothing behind it, or with nothing but a group commit of one row a call, or a plain read.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{NamedService, ServerStreamingService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use waystation_api::event_store::client::streams::read_req::options::CountOption;
use waystation_api::event_store::client::streams::{ReadReq, ReadResp};
use waystation_api::v1;

use crate::{eventstore, read};

/// Before the URL of a log: a floor that reads it.
pub(crate) const READ: &str = "read:";
/// Calls in one commit.
const BATCH_MAX: usize = 1_024;
/// Path of the method that appends.
pub(crate) const PATH: &str = "/bench.Floor/Append";
/// Path of the method that streams.
pub(crate) const STREAM: &str = "/bench.Floor/Stream";

struct Call {
    bytes: Vec<u8>,
    reply: oneshot::Sender<i64>,
}

#[derive(Clone)]
struct Floor {
    /// Absent: echo.
    queue: Option<mpsc::Sender<Call>>,
    /// What streams are read from; absent: from memory.
    log: Option<String>,
}

impl NamedService for Floor {
    const NAME: &'static str = "bench.Floor";
}

impl UnaryService<v1::RecordCheckInRequest> for Floor {
    type Response = v1::CommandReceipt;
    type Future = BoxFuture<Response<Self::Response>, Status>;

    fn call(&mut self, request: Request<v1::RecordCheckInRequest>) -> Self::Future {
        let queue = self.queue.clone();
        Box::pin(async move {
            let request = request.into_inner();
            let mut position = 1;
            if let Some(queue) = queue {
                let (reply, answer) = oneshot::channel();
                // As many bytes as an event of ours has in header and body.
                let mut bytes = request.name.clone().into_bytes();
                bytes.resize(450, b'.');
                queue
                    .send(Call { bytes, reply })
                    .await
                    .map_err(|_| Status::unavailable("stopped"))?;
                position = answer.await.map_err(|_| Status::unavailable("stopped"))?;
            }
            let receipt = v1::CommandReceipt {
                name: request.name,
                position,
                events: 1,
                ..Default::default()
            };
            Ok(Response::new(receipt))
        })
    }
}

/// Streams the same event again and again: for every row of a log as it is read, or from memory, which is what the protocol
/// alone costs both sides.
impl ServerStreamingService<ReadReq> for Floor {
    type Response = ReadResp;
    type ResponseStream = std::pin::Pin<Box<dyn Stream<Item = Result<ReadResp, Status>> + Send>>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<ReadReq>) -> Self::Future {
        let log = self.log.clone();
        Box::pin(async move {
            if let Some(url) = log {
                let of_page = |page: Vec<u64>| {
                    tokio_stream::iter(page.into_iter().map(|position| Ok(eventstore::sample(position))))
                };
                let stream = ReceiverStream::new(read::pages(&url).await).flat_map(of_page);
                return Ok(Response::new(Box::pin(stream) as Self::ResponseStream));
            }
            let options = request.into_inner().options.unwrap_or_default();
            let Some(CountOption::Count(count)) = options.count_option else {
                return Err(Status::invalid_argument("count: expected one"));
            };
            let events = (1..=count).map(|position| Ok(eventstore::sample(position)));
            let stream: Self::ResponseStream = Box::pin(tokio_stream::iter(events));
            Ok(Response::new(stream))
        })
    }
}

impl Service<http::Request<Body>> for Floor {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            if request.uri().path() == STREAM {
                let codec = ProstCodec::<ReadResp, ReadReq>::default();
                return Ok(tonic::server::Grpc::new(codec).server_streaming(service, request).await);
            }
            let codec = ProstCodec::<v1::CommandReceipt, v1::RecordCheckInRequest>::default();
            Ok(tonic::server::Grpc::new(codec).unary(service, request).await)
        })
    }
}

/// Serves a floor on a free port until killed: `echo`, a PostgreSQL URL, or `sqlite:PATH`; or [`READ`] with one of these.
pub(crate) async fn serve(what: &str) {
    let log = what.strip_prefix(READ).map(str::to_owned);
    let queue = if what == "echo" || log.is_some() {
        None
    } else {
        let (sender, calls) = mpsc::channel(4_096);
        match what.strip_prefix("sqlite:") {
            Some(path) => sqlite(path, calls),
            None => postgres(what, calls).await,
        }
        Some(sender)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("serving {}", listener.local_addr().expect("is bound"));
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = tonic::transport::Server::builder().add_service(Floor { queue, log });
    server.serve_with_incoming(incoming).await.expect("serves");
}

async fn next_batch(calls: &mut mpsc::Receiver<Call>) -> Option<Vec<Call>> {
    let mut batch = vec![calls.recv().await?];
    while batch.len() < BATCH_MAX {
        match calls.try_recv() {
            Ok(call) => batch.push(call),
            Err(_) => break,
        }
    }
    Some(batch)
}

async fn postgres(url: &str, mut calls: mpsc::Receiver<Call>) {
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .connect(url)
        .await
        .expect("connects");
    sqlx::query("DROP TABLE IF EXISTS bench_floor")
        .execute(&pool)
        .await
        .expect("drops");
    sqlx::query("CREATE TABLE bench_floor (position BIGINT PRIMARY KEY, body BYTEA NOT NULL)")
        .execute(&pool)
        .await
        .expect("creates");
    tokio::spawn(async move {
        let mut position = 0_i64;
        while let Some(mut batch) = next_batch(&mut calls).await {
            let positions: Vec<i64> = (1..=batch.len() as i64).map(|offset| position + offset).collect();
            let bodies: Vec<Vec<u8>> = batch.iter_mut().map(|call| std::mem::take(&mut call.bytes)).collect();
            sqlx::query("INSERT INTO bench_floor SELECT * FROM unnest($1::bigint[], $2::bytea[])")
                .bind(&positions)
                .bind(&bodies)
                .execute(&pool)
                .await
                .expect("inserts");
            for call in batch {
                position += 1;
                let _ = call.reply.send(position);
            }
        }
    });
}

fn sqlite(path: &str, mut calls: mpsc::Receiver<Call>) {
    let mut connection = rusqlite::Connection::open(path).expect("opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
             CREATE TABLE bench_floor (position INTEGER PRIMARY KEY, body BLOB NOT NULL);",
        )
        .expect("creates");
    let runtime = Arc::new(tokio::runtime::Handle::current());
    std::thread::spawn(move || {
        let mut position = 0_i64;
        while let Some(batch) = runtime.block_on(next_batch(&mut calls)) {
            let transaction = connection.transaction().expect("begins");
            let mut replies = Vec::with_capacity(batch.len());
            {
                let sql = "INSERT INTO bench_floor VALUES (?1, ?2)";
                let mut statement = transaction.prepare_cached(sql).expect("prepares");
                for call in batch {
                    position += 1;
                    statement.execute((position, &call.bytes)).expect("inserts");
                    replies.push((call.reply, position));
                }
            }
            transaction.commit().expect("commits");
            for (reply, position) in replies {
                let _ = reply.send(position);
            }
        }
    });
}
