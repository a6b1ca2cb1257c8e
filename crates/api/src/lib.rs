//! Speaks: code generated from `/proto`, nothing else.
