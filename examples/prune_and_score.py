# Prunes half of a decoder's weights in memory and scores it before and after: prune_and_score.py MODEL TEXT
import sys, pare
model = pare.open(sys.argv[1])
sparse = model.prune(levels=[50])[50]
print(model.evaluate("perplexity", sys.argv[2], limit=20))
print(sparse.evaluate("perplexity", sys.argv[2], limit=20))
