//! From `workload:` in a specification to what draws the operations.

use isobar_workloads::txn::{KeyDistribution, Kind, TxnOptions, Txns};
use isobar_workloads::{
    Bank, BankOptions, Counter, CounterOptions, Delete, Publish, PublishOptions, Register,
    RegisterOptions, Relation, RelationOptions, Set, SetOptions, Unique, UniqueOptions, Workload,
};

use crate::spec::{KeyDistributionSpec, Share, TxnSpec, WorkloadSpec};

/// The workload of a test with this seed.
pub fn workload(spec: &WorkloadSpec, seed: u64) -> Box<dyn Workload> {
    match spec {
        WorkloadSpec::Register(register) => Box::new(Register::new(RegisterOptions {
            seed,
            keys: register.keys,
            ops_per_key: register.ops_per_key,
            values: register.values,
            cas: register.cas,
        })),
        WorkloadSpec::Append(txns) => Box::new(Txns::new(txn_options(txns, Kind::Append, seed))),
        WorkloadSpec::Wr(txns) => Box::new(Txns::new(txn_options(txns, Kind::Write, seed))),
        WorkloadSpec::Set(set) => {
            Box::new(Set::new(SetOptions { seed, read_percent: percent(set.reads) }))
        }
        WorkloadSpec::Counter(counter) => {
            let read_percent = percent(counter.reads);
            Box::new(Counter::new(CounterOptions { seed, keys: counter.keys, read_percent }))
        }
        WorkloadSpec::Unique(unique) => {
            Box::new(Unique::new(UniqueOptions { rivals: unique.rivals }))
        }
        WorkloadSpec::Bank(bank) => Box::new(Bank::new(BankOptions {
            seed,
            accounts: bank.accounts,
            balance: bank.balance,
            amount_max: bank.amount_max,
            read_percent: percent(bank.reads),
        })),
        WorkloadSpec::Publish(publish) => {
            let read_percent = percent(publish.reads);
            Box::new(Publish::new(PublishOptions { seed, keys: publish.keys, read_percent }))
        }
        WorkloadSpec::Delete(_) => Box::new(Delete::new()),
        WorkloadSpec::Relation(relation) => {
            Box::new(Relation::new(RelationOptions { holders: relation.holders }))
        }
    }
}

fn percent(share: Share) -> u32 {
    (share.0 * 100.0).round() as u32
}

fn txn_options(spec: &TxnSpec, kind: Kind, seed: u64) -> TxnOptions {
    TxnOptions {
        seed,
        kind,
        keys: spec.keys,
        txn_length: (spec.txn_length.least, spec.txn_length.most),
        max_writes_per_key: spec.max_writes_per_key,
        read_percent: percent(spec.reads),
        key_distribution: match spec.key_distribution {
            KeyDistributionSpec::Uniform => KeyDistribution::Uniform,
            KeyDistributionSpec::Exponential => KeyDistribution::Exponential,
        },
    }
}
