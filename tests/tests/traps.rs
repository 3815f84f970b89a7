//! Traps of change events, each found in a real tool: T01 to T67. What a naive gateway does with them loses data, leaks it or
//! stops; each test has the trap's number and says what is right instead.
#![cfg(test)]

mod traps {
    mod bench;
    mod values;
    mod texts;
    mod classes;
    mod images;
    mod placeholders;
    mod leaks;
    mod pairs;
    mod canal;
    mod ticdc;
    mod maxwell;
    mod foreign;
    mod names;
    mod schemas;
    mod order;
    mod kept;
}
