//! Contract tests: the real wasm on the real runtime, in this process.
#![allow(clippy::unwrap_used)] // a failed test is a panic

mod clearing;
mod registry;
