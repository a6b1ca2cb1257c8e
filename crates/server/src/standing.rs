//! A stream lives no longer than what opened it: while the reply to a call is open, whoever called is looked at again every
//! few seconds, and the reply ends when they would not be let in any more.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::HeaderMap;

use crate::identity::{Admitted, Gate};

/// How often they are looked at.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(5);

type Looking = Pin<Box<dyn Future<Output = Result<(), Status>> + Send>>;

/// The body of a reply, with an eye on who gets it.
pub(crate) struct Standing {
    body: Body,
    gate: Gate,
    admitted: Arc<Admitted>,
    /// When they were last looked at.
    seen: Instant,
    pause: Option<Pin<Box<Sleep>>>,
    looking: Option<Looking>,
    ended: bool,
}

impl Standing {
    pub(crate) fn new(body: Body, gate: Gate, admitted: Arc<Admitted>) -> Self {
        Self {
            body,
            gate,
            admitted,
            seen: Instant::now(),
            pause: None,
            looking: None,
            ended: false,
        }
    }

    /// Ready when they may not stay.
    fn poll_expelled(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        loop {
            if let Some(looking) = &mut self.looking {
                let looked = ready!(looking.as_mut().poll(context));
                self.looking = None;
                if let Err(status) = looked {
                    return Poll::Ready(status);
                }
                self.seen = Instant::now();
            }
            let due = self.seen + LOOKED_AT_EVERY;
            let pause = self
                .pause
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            ready!(pause.as_mut().poll(context));
            self.pause = None;
            let (gate, admitted) = (self.gate.clone(), Arc::clone(&self.admitted));
            self.looking = Some(Box::pin(async move { gate.still(&admitted).await }));
        }
    }
}

impl HttpBody for Standing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = Pin::new(&mut self.body).poll_frame(context);
        // A short reply is over before anybody needs to be looked at again.
        if next.is_ready() && self.looking.is_none() && self.seen.elapsed() < LOOKED_AT_EVERY {
            return next;
        }
        match self.poll_expelled(context) {
            Poll::Pending => next,
            Poll::Ready(status) => {
                self.ended = true;
                let mut trailers = HeaderMap::new();
                status.add_header(&mut trailers)?;
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
