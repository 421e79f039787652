//! Runs futures on the calling thread.
//!
//! In a build with shared memory, the executor of wasm-bindgen-futures wakes a task through `Atomics.waitAsync`, which some
//! browsers lack, and otherwise through a worker that shares the memory, which only cross-origin isolated pages may have. Here
//! everything that wakes a future runs on the thread of the future, so a microtask is enough.

use js_sys::{Function, Promise};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// A promise with an untyped `then`.
    type Thenable;

    #[wasm_bindgen(method)]
    fn then(this: &Thenable, done: &JsValue, failed: &JsValue) -> Thenable;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(run: &Function, ms: f64) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

thread_local! {
    static TASKS: RefCell<HashMap<u32, Task>> = RefCell::default();
    static LAST_ID: Cell<u32> = const { Cell::new(0) };
}

/// A future that is not finished.
struct Task {
    /// `None` while it runs.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    signal: Arc<TaskSignal>,
    run: Closure<dyn FnMut()>,
    /// Called with the error if WebAssembly traps.
    trapped: Function,
}

/// Wakes a task.
struct TaskSignal {
    id: u32,
    scheduled: AtomicBool,
}

impl Wake for TaskSignal {
    fn wake(self: Arc<Self>) {
        if self.scheduled.swap(true, Ordering::Relaxed) {
            return;
        }
        let id = self.id;
        TASKS.with_borrow(|tasks| {
            let Some(task) = tasks.get(&id) else { return };
            let soon: Thenable = Promise::resolve(&JsValue::UNDEFINED).unchecked_into();
            soon.then(task.run.as_ref(), &JsValue::UNDEFINED).then(&JsValue::UNDEFINED, &task.trapped);
        });
    }
}

/// Runs a task until it waits or is finished.
fn run(id: u32) {
    let taken = TASKS.with_borrow_mut(|tasks| {
        let task = tasks.get_mut(&id)?;
        task.signal.scheduled.store(false, Ordering::Relaxed);
        Some((task.future.take()?, task.signal.clone()))
    });
    let Some((mut future, signal)) = taken else { return };
    let finished = future.as_mut().poll(&mut Context::from_waker(&Waker::from(signal))).is_ready();
    // What is dropped must not find the tasks borrowed.
    let done = TASKS.with_borrow_mut(|tasks| {
        if finished {
            return tasks.remove(&id);
        }
        if let Some(task) = tasks.get_mut(&id) {
            task.future = Some(future);
        }
        None
    });
    drop(done);
}

/// Starts `future`, and calls `trapped` with the error if WebAssembly traps.
fn spawn_or(trapped: Function, future: impl Future<Output = ()> + 'static) {
    let id = LAST_ID.replace(LAST_ID.get().wrapping_add(1));
    let signal = Arc::new(TaskSignal { id, scheduled: AtomicBool::new(false) });
    let run = Closure::new(move || run(id));
    let task = Task { future: Some(Box::pin(future)), signal: signal.clone(), run, trapped };
    TASKS.with_borrow_mut(|tasks| tasks.insert(id, task));
    signal.wake();
}

/// Runs `future` on its own.
pub fn spawn(future: impl Future<Output = ()> + 'static) {
    // Nobody waits for its end or for a trap.
    spawn_or(Closure::once_into_js(|| ()).unchecked_into(), future);
}

/// Runs `future` and returns a promise of its result.
pub fn promise(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let mut future = Some(future);
    Promise::new(&mut |resolve: Function, reject: Function| {
        if let Some(future) = future.take() {
            let trapped = reject.clone();
            spawn_or(trapped, async move {
                // The functions of a promise do not throw.
                let _ = match future.await {
                    Ok(value) => resolve.call1(&JsValue::UNDEFINED, &value),
                    Err(error) => reject.call1(&JsValue::UNDEFINED, &error),
                };
            });
        }
    })
}

/// Runs two futures at the same time, until both are finished or one has failed.
pub async fn both<A, B, E>(
    first: impl Future<Output = Result<A, E>>,
    second: impl Future<Output = Result<B, E>>,
) -> Result<(A, B), E> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut a, mut b) = (None, None);
    std::future::poll_fn(move |context| {
        if a.is_none()
            && let Poll::Ready(found) = first.as_mut().poll(context)
        {
            a = Some(found?);
        }
        if b.is_none()
            && let Poll::Ready(found) = second.as_mut().poll(context)
        {
            b = Some(found?);
        }
        match (a.take(), b.take()) {
            (Some(a), Some(b)) => Poll::Ready(Ok((a, b))),
            found => {
                (a, b) = found;
                Poll::Pending
            }
        }
    })
    .await
}

/// A time that is waited for.
pub struct Timer {
    id: JsValue,
    state: Rc<RefCell<TimerState>>,
    _run: Closure<dyn FnMut()>,
}

#[derive(Default)]
struct TimerState {
    over: bool,
    waker: Option<Waker>,
}

impl Timer {
    /// Starts a timer of `ms` milliseconds.
    pub fn new(ms: f64) -> Self {
        let state = Rc::<RefCell<TimerState>>::default();
        let shared = state.clone();
        let run = Closure::new(move || {
            let mut state = shared.borrow_mut();
            state.over = true;
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        });
        Timer { id: set_timeout(run.as_ref().unchecked_ref(), ms), state, _run: run }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context) -> Poll<()> {
        let mut state = self.state.borrow_mut();
        if state.over {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}

/// Notices that nothing has happened for some time.
pub struct Watchdog {
    limit_ms: f64,
    last: f64,
    timer: Timer,
}

/// Nothing has happened for some time.
pub struct Stalled;

impl Watchdog {
    /// Starts to watch. A silence is too long after `limit_ms`.
    pub fn new(limit_ms: f64) -> Self {
        Watchdog { limit_ms, last: js_sys::Date::now(), timer: Timer::new(limit_ms) }
    }

    /// Waits for `future`.
    ///
    /// # Errors
    /// If it takes too long.
    pub async fn wait<T>(&mut self, future: impl Future<Output = T>) -> Result<T, Stalled> {
        let mut future = pin!(future);
        self.last = js_sys::Date::now();
        std::future::poll_fn(move |context| {
            if let Poll::Ready(found) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(found));
            }
            // One timer serves many waits.
            while Pin::new(&mut self.timer).poll(context).is_ready() {
                let silence = js_sys::Date::now() - self.last;
                if silence >= self.limit_ms {
                    return Poll::Ready(Err(Stalled));
                }
                self.timer = Timer::new(self.limit_ms - silence);
            }
            Poll::Pending
        })
        .await
    }
}
