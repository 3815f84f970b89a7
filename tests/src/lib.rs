//! What the tests, the benches and the demo share: brokers, a shop that writes change events, readers that count.

pub mod shop;
pub mod bombs;
pub mod broker;
pub mod apache;
pub mod client;
pub mod rows;
pub mod offline;
pub mod changes;
pub mod gateway;
pub mod checker;
pub mod corpora;
pub mod demo;
