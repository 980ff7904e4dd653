#![allow(clippy::unwrap_used)]
mod chain;
mod corrections;
mod feeds;
mod files;
mod recording;
mod world;
