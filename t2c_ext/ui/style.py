"""The page's style: the host's own colours, everything below `.t2c`."""

CSS = """
.t2c { --t2c-faint: color-mix(in srgb, var(--body-text-color) 72%, var(--background-fill-primary)); }
.t2c .t2c-empty, .t2c .t2c-player, .t2c .t2c-message, .t2c .t2c-progress { border-radius: 8px; }
.t2c .t2c-empty { border: 1px dashed var(--border-color-primary); padding: 12% 1em; text-align: center;
  color: var(--t2c-faint); }
.t2c .t2c-empty p { margin: .3em 0; color: inherit; }
.t2c .t2c-player video, .t2c .t2c-player > img { display: block; width: 100%; max-height: 72vh; object-fit: contain;
  border-radius: 8px; background: var(--background-fill-secondary); }
.t2c .t2c-about { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .2em 1.2em; padding: .5em 0;
  color: var(--t2c-faint); }
.t2c .t2c-links { display: flex; flex-wrap: wrap; gap: .2em 1.2em; }
.t2c .t2c-links a { color: var(--link-text-color); text-decoration: underline; }
.t2c .t2c-message, .t2c .t2c-progress { padding: .6em .9em; background: var(--background-fill-secondary);
  border: 1px solid var(--border-color-primary); color: var(--body-text-color); overflow-wrap: anywhere; }
.t2c .t2c-error { border-color: #d64545; border-left-width: 4px; }
.t2c #t2c_choosing { flex-grow: 0; }
.t2c .t2c-bar { height: 6px; margin-top: .5em; border-radius: 3px; background: var(--border-color-primary);
  overflow: hidden; }
.t2c .t2c-progress img { display: block; width: min(100%, 320px); margin: .6em auto 0; border-radius: 6px; }
.t2c .t2c-bar div { height: 100%; background: var(--color-accent); transition: width .25s linear; }
.t2c ul.t2c-notes { margin: .5em 0; padding-left: 1.2em; list-style: disc; color: var(--t2c-faint);
  overflow-wrap: anywhere; }
.t2c ul.t2c-notes li { color: inherit; }
.t2c figure { margin: 0; }
.t2c .t2c-stage > div { display: flex; gap: 4px; aspect-ratio: 4 / 3; align-items: center; justify-content: center;
  border-radius: 8px; overflow: hidden; background: var(--background-fill-secondary); }
.t2c .t2c-stage a { flex: 1 1 0; min-width: 0; height: 100%; }
.t2c .t2c-stage img { width: 100%; height: 100%; object-fit: contain; margin: 0; }
.t2c [id^="t2c_run_"], .t2c #t2c_example { font-size: 90%; font-weight: 500; padding: .35em .6em; min-height: 0;
  min-width: 0; }
.t2c #t2c_bar { position: sticky; bottom: 0; z-index: 45; padding: 8px 0; background: var(--background-fill-primary);
  border-top: 1px solid var(--border-color-primary); }
.t2c-studio:has(#t2c_side_text[style*="none"]) #t2c_generate { display: none; }
.t2c-studio #t2c_left, .t2c-studio #t2c_left > * { overflow: visible; }
.t2c .t2c-none > div { border: 1px dashed var(--border-color-primary); }
.t2c figcaption { padding: .25em 0; color: var(--body-text-color); font-size: 90%; overflow-wrap: anywhere; }
.t2c figcaption small { color: var(--t2c-faint); }
.t2c .t2c-stale img { opacity: .45; }
.t2c .t2c-mark { margin-left: .6em; padding: 0 .5em; border-radius: 1em; border: 1px solid #c98a12; white-space: nowrap;
  font-size: 85%; }
.t2c .t2c-about-stage { display: block; }
.t2c-hidden { display: none !important; }
.t2c-studio:has(.t2c-player-root > *) #t2c_player, .t2c-studio:has(.t2c-strip-root > *) #t2c_strip { display: none; }
.t2c-studio :is(#t2c_player_root, #t2c_strip_root, #t2c_canvas),
.t2c-studio :is(#t2c_player_root, #t2c_strip_root, #t2c_canvas) > .html-container { padding: 0; min-width: 0; }
.t2c .t2c-late { opacity: 0; animation: t2c-late 0s 4s forwards; color: var(--t2c-faint); }
@keyframes t2c-late { to { opacity: 1; } }
.t2c .t2c-choices { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: .6em; }
.t2c .t2c-choices img { width: 100%; border-radius: 8px; margin: 0; }
"""
"""Sizes, and colours that are not the theme's own, are readable in light and dark. The bar of buttons lies above
Gradio's titles (its fourth layer, 40), which would take its clicks, and below its lists."""
