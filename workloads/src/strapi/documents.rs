//! Which document stands for which key: Strapi gives ids when it creates, so all clients of a test
//! share what they were told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The id of one document, once it is created. Who creates it holds the lock, so that nobody else
/// does.
pub type Slot = Arc<tokio::sync::Mutex<Option<String>>>;

/// Ids by collection and key.
#[derive(Debug, Default)]
pub struct Documents(Mutex<HashMap<(&'static str, String), Slot>>);

impl Documents {
    pub fn slot(&self, collection: &'static str, key: &str) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry((collection, key.to_owned())).or_default())
    }
}
