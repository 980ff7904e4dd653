pub mod contract;
pub mod deploy;
pub mod govern;
