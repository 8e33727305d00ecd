// What can be checked on any page: contrast, names of controls, headings, captions, overflow. Evaluates to a list of
// sentences, empty if all is well.
(() => {
  const faults = [];
  const say = (text, element) => faults.push(element ? `${text}: ${element.outerHTML.slice(0, 140)}` : text);

  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const colors = new Map();
  // Any CSS color as sRGB from 0 to 1, with its opacity.
  function rgba(color) {
    if (!colors.has(color)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      colors.set(color, [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255));
    }
    return colors.get(color);
  }
  // WCAG 2.2, relative luminance.
  const luminance = (color) => rgba(color).slice(0, 3)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  function background(element) {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (rgba(color)[3] > 0.99) return color;
    }
    return 'white';
  }
  const visible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Map();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !visible(element) || element.closest('.skip')) continue;
    const style = getComputedStyle(element), text = element.closest('svg') ? style.fill : style.color;
    const pair = `${text} on ${background(element)}`;
    if (!seen.has(pair)) seen.set(pair, [contrast(text, background(element)), element]);
  }
  for (const [pair, [ratio, element]] of seen)
    if (ratio < 4.5) say(`contrast ${ratio.toFixed(2)} of ${pair}`, element);
  for (const shape of document.querySelectorAll('.area polyline, .area g[data-n] circle, .area g[data-n] rect')) {
    const style = getComputedStyle(shape), color = shape.matches('polyline') ? style.stroke : style.fill;
    const ratio = contrast(color, background(shape.closest('div')));
    if (ratio < 3) { say(`contrast ${ratio.toFixed(2)} of ${color}`, shape); break; }
  }

  const cell = document.querySelector('.heat td[data-v]'), kept = cell?.className;
  for (let step = 0; cell && step <= 20; ++step) {
    cell.className = `h${step}`;
    const style = getComputedStyle(cell), ratio = contrast(style.color, style.backgroundColor);
    if (ratio < 4.5) say(`contrast ${ratio.toFixed(2)} in step ${step} of a heat map`);
  }
  if (cell) cell.className = kept;

  for (const control of document.querySelectorAll('input, button'))
    if (!(control.getAttribute('aria-label') || control.textContent.trim() || control.closest('label')?.textContent.trim()))
      say('a control without a name', control);
  for (const table of document.querySelectorAll('table')) {
    if (!table.caption?.textContent.trim()) say('a table without a caption', table);
    for (const header of table.querySelectorAll('th'))
      if (!['col', 'row'].includes(header.scope)) say('a header without a scope', header);
  }
  for (const figure of document.querySelectorAll('figure'))
    if (!figure.querySelector(':scope > figcaption')?.textContent.trim()) say('a figure without a caption', figure);
  for (const landmark of ['header', 'nav[aria-label]', 'main'])
    if (document.querySelectorAll(landmark).length !== 1) say(`not exactly one ${landmark}`);
  for (const section of document.querySelectorAll('section'))
    if (!document.getElementById(section.getAttribute('aria-labelledby'))) say('a section without a name', section);
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const now = Number(heading.tagName[1]);
    if (now > level + 1) say(`a heading of level ${now} after one of level ${level}`, heading);
    level = now;
  }
  if (document.querySelectorAll('h1').length !== 1) say('not exactly one h1');
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  if (new Set(ids).size !== ids.length) say('an id occurs twice');
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(link.hash.slice(1))) say('a link to nowhere', link);
  if (!document.documentElement.lang || !document.title) say('no language or title');
  for (const box of document.querySelectorAll('.scroll'))
    if (visible(box) && box.scrollWidth > box.clientWidth && box.tabIndex < 0 && !box.querySelector('button, [tabindex="0"]'))
      say('a box that scrolls but takes no focus', box);

  const page = document.scrollingElement;
  if (page.scrollWidth > page.clientWidth) {
    const wide = [...document.querySelectorAll('body *')].find((element) =>
      !element.closest('.scroll, nav, .skip, #tip') && element.getBoundingClientRect().right > page.clientWidth + 1);
    say(`the page is ${page.scrollWidth} wide in a window of ${page.clientWidth}`, wide);
  }
  return faults;
})()
