//! The gateway's whole journey seen from outside: a process between topics, changed and stopped while records flow. Most of it
//! is told twice, on the embedded broker and on Apache Kafka.
#![cfg(test)]

/// The gateway that these tests start.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gateway");

/// Makes tests of functions that take a cluster.
macro_rules! on_both {
    ($($journey:ident)*) => {
        mod embedded {
            $(#[test]
            fn $journey() {
                super::$journey(super::Cluster::embedded());
            })*
        }

        mod apache {
            $(#[test]
            fn $journey() {
                let Some(cluster) = super::Cluster::apache() else { return };
                super::$journey(&cluster);
            })*
        }
    };
}
use on_both;

mod journey {
    use super::on_both;

    mod carry;
    mod begin;
    mod reload;
    mod rollout;
    mod stop;
    mod crash;
    mod owners;
    mod breaker;
    mod parking;
    mod operator;
    mod compile;
    mod protect;
    mod faults;
}
