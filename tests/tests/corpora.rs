//! Change events of other people's tools, each through the pipeline: what nobody touched leaves byte for byte, and an edit
//! changes what it names and nothing else.
#![cfg(test)]

mod corpora {
    mod index;
    mod carry;
    mod identity;
    mod edits;
    mod same;
}
