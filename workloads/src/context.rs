//! Which operation of which run: what makes a request traceable in somebody else's system.

/// The operation that a client is about to perform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Of the whole run; see [`Context::run_id`].
    pub run: u64,
    /// The logical process that performs it.
    pub process: u32,
    /// The index of its invocation in the history.
    pub index: u64,
}

impl Context {
    /// A number for a run's name: FNV-1a, the same on every machine and in every version.
    pub fn run_id(name: &str) -> u64 {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
    }

    /// The first half of the id of every trace of a run.
    pub fn trace_prefix(run: u64) -> String {
        // One half must not be all zeroes for the whole to be valid; the index may be 0.
        format!("{:016x}", run.max(1))
    }

    /// The trace of the operation: 32 hexadecimal digits, the run's and the index's.
    pub fn trace_id(&self) -> String {
        format!("{}{:016x}", Self::trace_prefix(self.run), self.index)
    }

    /// The value of the header `traceparent` (W3C Trace Context, level 1): version 00, sampled.
    pub fn traceparent(&self) -> String {
        // A parent id of zeroes is invalid, and index 0 exists.
        format!("00-{}-{:016x}-01", self.trace_id(), self.index.wrapping_add(1).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_every_run_has_a_trace_of_its_own() {
        let run = Context::run_id("etcd-register/20261128T120000Z-7");
        let first = Context { run, process: 3, index: 0 };
        assert_eq!(
            first.traceparent(),
            format!("00-{run:016x}0000000000000000-0000000000000001-01")
        );
        let second = Context { index: 1, ..first };
        let other = Context { run: Context::run_id("another"), ..first };
        assert_ne!(first.trace_id(), second.trace_id());
        assert_ne!(first.trace_id(), other.trace_id());
        assert_eq!(first.trace_id().len(), 32);
    }
}
