//! Through a broker and a running gateway.
