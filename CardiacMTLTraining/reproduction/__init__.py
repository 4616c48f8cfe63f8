"""The paper's experiment, repeated: does training masks together with the diagnosis lower the error of the diagnosis?"""
