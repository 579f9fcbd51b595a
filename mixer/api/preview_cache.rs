//! Previews that were drawn lately, so that a page that is opened again need not wait.

use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;

use promemu_core::time::{Span, Time};

use crate::error::ApiError;
use crate::routes::previews::PreviewView;

/// The most previews that are kept, and how long each of them: files that a config includes may change.
const KEPT_MAX: usize = 64;
const KEPT_FOR: Span = Span::from_secs(600);

/// The newest previews by their keys.
#[derive(Debug, Default)]
pub(crate) struct PreviewCache(Mutex<IndexMap<u64, (Time, Arc<PreviewView>)>>);

impl PreviewCache {
    /// The preview of this key, or the one that `draw` draws. Without a key it is not kept.
    pub(crate) fn get_or_make(
        &self,
        key: Option<u64>,
        now: Time,
        draw: impl FnOnce() -> Result<PreviewView, ApiError>,
    ) -> Result<Arc<PreviewView>, ApiError> {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |(made, _): &&(Time, Arc<PreviewView>)| now.since(*made) < KEPT_FOR;
        if let Some((_, found)) = key.and_then(|key| kept().get(&key).filter(is_fresh).cloned()) {
            return Ok(found);
        }
        let made = Arc::new(draw()?);
        if let Some(key) = key {
            let mut kept = kept();
            kept.shift_remove(&key);
            if kept.len() == KEPT_MAX {
                kept.shift_remove_index(0);
            }
            kept.insert(key, (now, Arc::clone(&made)));
        }
        Ok(made)
    }
}
