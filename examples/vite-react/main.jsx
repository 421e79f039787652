import { load } from "bert8";
import { StrictMode, use, useActionState } from "react";
import { createRoot } from "react-dom/client";

const loading = load({ model: "models/model.int8.onnx", tokenizer: "models/tokenizer.json" });

function Compare() {
  const classifier = use(loading);
  const [answer, compare, busy] = useActionState(async (_, form) => {
    const { label, labelId, probabilities } = await classifier.classify(form.get("first"), form.get("second"));
    return `${label}, ${(100 * probabilities[labelId]).toFixed(1)} %`;
  }, "");
  return (
    <form action={compare}>
      <input name="first" defaultValue="The museum opens at nine in the morning." size="50" />
      <input name="second" defaultValue="The museum opens at 9 a.m." size="50" />
      <button disabled={busy}>Compare</button>
      <output>{answer}</output>
    </form>
  );
}

createRoot(document.getElementById("root")).render(<StrictMode><Compare /></StrictMode>);
