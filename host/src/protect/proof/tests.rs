//! Every place and every way of covering it.
