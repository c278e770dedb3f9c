//! The objects that keys stand for, where a server names them itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::OnceCell;

/// From each key to the id of its object; shared by all clients of a run.
#[derive(Debug, Default)]
pub(super) struct Objects(Mutex<HashMap<String, Arc<OnceCell<Value>>>>);

impl Objects {
    /// The id of a key's object, which `create` makes unless somebody has.
    ///
    /// Others wait for it meanwhile. If the creation fails, or is given up, the next one tries
    /// again: an object that was made without anybody learning its id is nobody's.
    pub async fn id<E>(
        &self,
        key: &Value,
        create: impl Future<Output = Result<Value, E>>,
    ) -> Result<Value, E> {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key.to_string()).or_default())
        };
        cell.get_or_try_init(|| create).await.cloned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_object_is_made_once_and_again_only_if_that_failed() {
        let objects = Objects::default();
        let key = json!("k1");
        let failed = objects.id(&key, async { Err("refused") }).await;
        assert_eq!(failed, Err("refused"));
        let made = objects.id(&key, async { Ok::<_, &str>(json!("id-1")) }).await;
        assert_eq!(made, Ok(json!("id-1")));
        let known = objects.id(&key, async { Err("made twice") }).await;
        assert_eq!(known, Ok(json!("id-1")));
        assert_eq!(objects.id(&json!("k2"), async { Err("new") }).await, Err("new"));
    }
}
