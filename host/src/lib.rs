//! Lockgate: a gateway that carries change events from Kafka through WebAssembly plugins to Kafka.
//!
//! The modules stand in the order a record meets them. A folder that opens a door to the outside world (`kafka`, `plugin`,
//! `admin`, `cli`, `config`) is the only one that knows that world's library; everything else is plain logic over values.

pub mod record;
pub mod table;
pub mod compress;
pub mod change;
pub mod contract;
pub mod cell;
pub mod redact;
pub mod overlay;
pub mod plugin;
pub mod outcome_check;
pub mod protect;
pub mod breaker;
pub mod chain;
pub mod render;
pub mod pipeline;
pub mod outcome;
pub mod kafka;
pub mod tracker;
pub mod gateway;
pub mod config;

pub mod metrics;
pub mod health;
pub mod control;
pub mod admin;
pub mod tasks;
pub mod logging;
pub mod cli;
