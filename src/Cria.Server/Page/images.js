// Pictures of the conversations as data URLs, in IndexedDB: localStorage, where the texts are, has no room for them. What was added or loaded
// also stands in memory, so that a browser that keeps nothing can still show and send it.

const known = new Map();

const database = new Promise((resolve, reject) => {
  const open = indexedDB.open('cria', 1);
  open.onupgradeneeded = () => open.result.createObjectStore('images');
  open.onsuccess = () => resolve(open.result);
  open.onerror = () => reject(open.error);
});
database.catch(() => {}); // whoever uses it hears

// Runs one step on the store and waits until it is kept.
async function run(mode, step) {
  const transaction = (await database).transaction('images', mode);
  const result = step(transaction.objectStore('images'));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(result?.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

export const url = id => known.get(id);

// Keeps a picture in memory until `keep` says that it belongs to a conversation.
export function add(dataUrl) {
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  known.set(id, dataUrl);
  return id;
}

export const keep = ids => run('readwrite', store => ids.forEach(id => store.put(known.get(id), id)));

// Makes pictures known that an earlier visit kept.
export async function load(ids) {
  await Promise.all(ids.filter(id => !known.has(id)).map(async id => {
    const kept = await run('readonly', store => store.get(id)).catch(() => undefined);
    if (kept)
      known.set(id, kept);
  }));
}

export function remove(ids) {
  ids.forEach(id => known.delete(id));
  return ids.length ? run('readwrite', store => ids.forEach(id => store.delete(id))).catch(() => {}) : Promise.resolve();
}
