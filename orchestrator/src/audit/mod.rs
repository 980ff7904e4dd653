//! What an auditor does with a document that an institution handed out: everything in it that can be looked up on the chain
//! is looked up there, everything that follows is computed anew. Nobody but the chain is believed. [`chain`] audits the
//! contracts themselves.
pub mod chain;
pub mod report;
pub mod state;
