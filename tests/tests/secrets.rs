//! A distinct secret in every place a value can be, in every dialect and on every way out: nothing that leaves the process may
//! hold one while it is protected, and every one of them is found while it is not.
#![cfg(test)]

mod secrets {
    mod plant;
    mod debezium;
    mod mongo;
    mod tools;
    mod broken;
    mod leave;
}
