// The rows of a table that is read again and again. A row stays the same element as long as its thing is
// there, so that focus, selection and scroll stay where they are.

/**
 * @template T
 * @typedef {object} Row
 * @property {HTMLElement} element
 * @property {(item: T) => void} update
 */

/** @template T */
export class Rows {
  /**
   * @param {Element} parent  holds the rows and nothing else
   * @param {(item: T) => string} key
   * @param {(item: T) => Row<T>} make  a row, to be updated before it is shown
   */
  constructor(parent, key, make) {
    this.parent = parent;
    this.key = key;
    this.make = make;
    /** @type {Map<string, Row<T>>} */
    this.rows = new Map();
  }

  /** Shows these things, in this order. @param {T[]} items */
  set(items) {
    const keys = new Set(items.map(this.key));
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue;
      row.element.remove();
      this.rows.delete(key);
    }
    let place = this.parent.firstElementChild;
    for (const item of items) {
      const row = this.row(item);
      row.update(item);
      // What is at its place is not touched: an element that is moved loses the focus.
      if (row.element === place) place = place.nextElementSibling;
      else this.parent.insertBefore(row.element, place);
    }
  }

  /** @param {T} item */
  row(item) {
    const key = this.key(item);
    const row = this.rows.get(key) ?? this.make(item);
    this.rows.set(key, row);
    return row;
  }
}
