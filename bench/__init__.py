"""How fast Triagelens works, against the way of the systems it replaces and against the unavoidable work.

`make bench`, in the training environment: the other way needs PyTorch. One photo, one ResNet50, the same
number of threads everywhere, all ways in turn within one run; what counts is the ratio of medians.
"""
