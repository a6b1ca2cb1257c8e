//! Proves: acceptance through the real doors, on both databases.
