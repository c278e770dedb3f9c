//! One verb of the command line per file, each thin: arguments in, result on standard output.

pub mod lab;
