"""What a CSM reads, in the language of the charter: one module of phrases for each language.

``words`` fills them in and writes numbers, days and money as the language does.
"""
