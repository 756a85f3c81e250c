/** What passes between the page, Python and the studio's modules: the page's state, and questions with their answers. */

import type { Kind } from "./document.mjs";
import type { Size } from "./geometry.mjs";

/** The picture that the canvas shows; `key` is the same for the same picture. */
export interface Picture extends Size {
    url: string;
    key: string;
}

/** A field as Python sends it: `flow` is base64 of 16-bit steps of `unit` pixels, `mask` base64 of bytes. */
export interface SentField extends Size {
    flow: string;
    unit: number;
    mask: string;
    picture?: [number, number];
}

export interface Loop extends Size {
    url: string;
    frames: number;
    fps: number;
    poster?: string | null;
    flow?: SentField | null;
}

/** What moves, as the page's state has it: a mask as base64 of a PNG. */
export interface SentRow {
    name: string;
    source: string;
    mask: string;
}

export interface StagePicture {
    name: string;
    url: string;
}

export type StageName = "twin" | "region" | "motion" | "loop";

/** What a stage has made, and whether that is still what the page asks for. */
export interface Stage {
    title: string;
    pictures: StagePicture[];
    stale: boolean;
    seconds?: number | null;
    about?: string;
    notes?: string[];
    regions?: SentRow[];
}

export interface Running {
    stage: string;
    done: number;
    total: number;
}

/** The words that came with a picture. */
export interface Brought {
    prompt?: string;
    motion?: string;
}

/** What Python tells the page; before anything has happened it is empty. */
export interface PageState {
    id?: string;
    picture?: Picture | null;
    words?: Brought;
    running?: Running | null;
    hints?: object | null;
    loop?: Loop | null;
    stages?: { [name in StageName]?: Stage };
    mask?: SentRow[] | null;
}

/** What the words say of one region. */
export interface Motion {
    region: string;
    angle: number | null;
    kind: Kind;
    speed: number;
}

/** What the words say; `bound`: of painted regions, by name, which of the motions each takes, as a run binds them. */
export interface Parsed {
    regions: string[];
    motions: Motion[];
    bound?: Record<string, number>;
}

/** A file that was written for the user. */
export interface Exported {
    url: string;
    bytes: number;
    name: string;
}

/** What Python answers to each question. */
export interface Answers {
    solve: SentField & { notes?: string[] };
    parse: Parsed;
    describe: { motion: string };
    segment: { regions: { name: string; named: boolean; mask: string }[] };
    preview: { url: string };
    export: Exported;
}

export type Question = keyof Answers;

/** Whoever can be asked: the channel, or what stands for it in a test. */
export interface Asked {
    ask<What extends Question>(what: What, payload?: object): Promise<Answers[What]>;
}

/** A listener for each event, as `onclick`. */
type Listeners = { [Name in keyof HTMLElementEventMap as `on${Name}`]?: (event: HTMLElementEventMap[Name]) => void };

/** What an element is made with: listeners, `text`, and attributes, of which null, undefined and false are left out. */
export type Attributes = Listeners & { [name: string]: unknown };

export type Selection = { kind: "arrow" | "swirl" | "pin" | "freeze"; index: number };

declare global {
    interface Window {
        t2c?: { mount: () => Promise<void>; send: (tab: string, info: string) => Promise<void> };
        /** The host's: the place in its gallery of the picture that is chosen, or -1. */
        selected_gallery_index?: () => number;
        /** Gradio's: where the page's elements are. */
        gradioApp?: () => Document | ShadowRoot | HTMLElement;
    }
    function gradioApp(): Document | ShadowRoot | HTMLElement;
}
