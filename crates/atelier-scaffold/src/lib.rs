//! A requirement becomes a working skeleton, without a model.
