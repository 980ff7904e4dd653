pub mod ca;
pub mod config;
pub mod key;
pub mod contract;
pub mod deploy;
pub mod govern;
