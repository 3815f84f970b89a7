//! Records that Debezium and Canal wrote, as Kafka held them: through an empty chain, through a broker and a gateway, and
//! through the official plugins with expectations written by hand.
#![cfg(test)]

mod captured {
    mod carry;
    mod unchanged;
    mod kafka;
    mod plugins;
    mod rows;
    mod keys;
    mod envelope;
    mod clear;
}
