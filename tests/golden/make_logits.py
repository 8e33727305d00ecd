"""Writes logits.json: what transformers computes for the demo models: make_logits.py (from anywhere)."""

import json
from pathlib import Path

import torch
import transformers as hf

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "demo" / "models"
COLUMNS = [0, 5, 17, 100, 333]  # of the vocabulary: enough to tell


@torch.no_grad()
def main():
    ids, types = [3, 50, 7, 201, 9, 9, 120], [0, 0, 0, 1, 1, 1, 1]
    target = [0, 31, 250, 5]
    row = torch.tensor([ids])
    gpt2 = hf.GPT2LMHeadModel.from_pretrained(DEMO / "gpt2-world").eval()
    bert = hf.BertForMaskedLM.from_pretrained(DEMO / "bert-world").eval()
    t5 = hf.T5ForConditionalGeneration.from_pretrained(DEMO / "t5-world").eval()
    logits = {
        "gpt2-world": gpt2(row).logits[0],
        "bert-world": bert(row, token_type_ids=torch.tensor([types])).logits[0],
        "t5-world": t5(input_ids=row, decoder_input_ids=torch.tensor([target])).logits[0],
    }
    golden = {"ids": ids, "types": types, "target": target, "columns": COLUMNS,
              "logits": {name: [[round(v, 5) for v in r] for r in rows[:, COLUMNS].tolist()] for name, rows in logits.items()}}
    text = json.dumps(golden, indent=1)
    (HERE / "logits.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
