//! Decides: commands, events, state, rules and policy packs. Pure: no I/O, no clock, no randomness.
