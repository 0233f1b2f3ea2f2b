//! The whole program, as a user has it.

mod tidy;
