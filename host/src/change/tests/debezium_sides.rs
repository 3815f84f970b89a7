//! What Debezium's events hold beside their images.
