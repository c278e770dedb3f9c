//! Threads in a ring, which hand something round: each in turn has it for itself.
//!
//! A thread that ends, or panics, drops what it holds: those that wait for it then end too.

use std::sync::mpsc::{Receiver, Sender, channel};

/// The place of one thread in a ring.
pub(super) struct Place<T> {
    before: Receiver<T>,
    after: Sender<T>,
}

/// The places of so many threads, the first of which has `handed` first.
pub(super) fn ring<T>(threads: usize, handed: T) -> Vec<Place<T>> {
    let (mut senders, receivers): (Vec<_>, Vec<_>) = (0..threads).map(|_| channel()).unzip();
    // Nobody hears of it where there are no threads.
    senders.first().map(|first| first.send(handed));
    senders.rotate_left(threads.min(1));
    let place = |(before, after)| Place { before, after };
    receivers.into_iter().zip(senders).map(place).collect()
}

impl<T> Place<T> {
    /// Waits for what is handed round; `None`: it will never come again.
    pub(super) fn take(&self) -> Option<T> {
        self.before.recv().ok()
    }

    /// To the next thread; it is dropped if that has ended.
    pub(super) fn hand_on(&self, handed: T) {
        drop(self.after.send(handed));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::thread;

    use super::*;

    /// Each of three threads counts until the first has enough.
    #[test]
    fn all_end_when_one_does() {
        let mut count = 0;
        let places = ring(3, &mut count);
        thread::scope(|scope| {
            for place in places {
                scope.spawn(move || {
                    while let Some(count) = place.take() {
                        *count += 1;
                        if *count == 100 {
                            return;
                        }
                        place.hand_on(count);
                    }
                });
            }
        });
        assert_eq!(count, 100);
    }

    #[test]
    fn one_thread_hands_on_to_itself() {
        let [place]: [Place<i32>; 1] = ring(1, 7).try_into().ok().unwrap();
        let seven = place.take().unwrap();
        place.hand_on(seven + 1);
        assert_eq!(place.take(), Some(8));
        assert!(ring(0, 7).is_empty());
    }
}
