import js from "@eslint/js";
import globals from "globals";

export default [
    { ignores: ["**/node_modules/", "**/.*/"] },
    js.configs.recommended,
    {
        files: ["javascript/**/*.{js,mjs}", "t2c_ext/**/*.mjs", "tests/**/*.{js,mjs}"],
        rules: {
            "array-callback-return": ["error", { checkForEach: false }],
            "consistent-return": "error",
            "default-case-last": "error",
            eqeqeq: ["error", "always", { null: "ignore" }],
            "no-constructor-return": "error",
            "no-duplicate-imports": "error",
            "no-param-reassign": ["error", { props: false }],
            "no-promise-executor-return": "error",
            "no-self-compare": "error",
            "no-shadow-restricted-names": "error",
            "no-template-curly-in-string": "error",
            "no-throw-literal": "error",
            "no-unmodified-loop-condition": "error",
            "no-unreachable-loop": "error",
            "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
            "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
            "no-useless-assignment": "error",
            "no-var": "error",
            "object-shorthand": "error",
            "prefer-const": "error",
            complexity: ["error", 15],
            "max-len": ["error", { code: 160, ignoreStrings: true, ignoreTemplateLiterals: true }],
        },
    },
    { files: ["javascript/**/*.{js,mjs}", "t2c_ext/**/*.mjs", "tests/browser/*.js"], languageOptions: { globals: globals.browser } },
    {
        // a classic script: the host calls its function by its name
        files: ["javascript/cinemagraph.js"],
        languageOptions: { sourceType: "script", globals: { gradioApp: "readonly" } },
        rules: { "no-unused-vars": ["error", { varsIgnorePattern: "^(switch_to|recalculate_prompts)_cinemagraph$" }] },
    },
    { files: ["tests/javascript/*.mjs"], languageOptions: { globals: globals.node } },
];
