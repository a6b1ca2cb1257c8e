//! Shows: gRPC services over the app.
