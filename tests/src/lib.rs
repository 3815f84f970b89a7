//! What the tests, the benches and the demo share: brokers to run against and clients to look at them with.

pub mod broker;
pub mod apache;
pub mod client;
