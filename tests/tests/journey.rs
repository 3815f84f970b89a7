//! The gateway's whole journey seen from outside: a process between topics, changed and stopped while records flow.
#![cfg(test)]

mod journey {
    mod rows;
    mod carry;
}
