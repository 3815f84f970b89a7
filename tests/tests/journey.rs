//! The gateway's whole journey seen from outside: a process between topics, changed and stopped while records flow. Most of it
//! is told twice, on the embedded broker and on Apache Kafka.
#![cfg(test)]

/// Makes tests of functions that take a cluster.
macro_rules! on_both {
    ($($journey:ident)*) => {
        mod embedded {
            $(#[test]
            fn $journey() {
                super::$journey(super::Cluster::embedded());
            })*
        }
    };
}
use on_both;

mod journey {
    use super::on_both;

    mod rows;
    mod carry;
    mod reload;
}
