"""The steps of the flow, one per file. `streams.pipeline` puts them in order.

A step takes a whole batch, but is written around a pure function of one event or one profile. An event that can never
be accepted raises `Unacceptable`; the batch keeps it, with the step's name, for `events.rejected`; so it does with
any other error of a step for single events. An error of a step for whole batches stops the worker before anything is
acknowledged.
"""
