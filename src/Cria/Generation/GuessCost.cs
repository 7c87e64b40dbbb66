namespace Cria.Generation;

/// <summary>What a guess costs on this machine with this model, in parts of a step of one token, measured in steps of one conversation.</summary>
sealed class GuessCost
{
    const double Weight = 0.1; // of a new measurement

    double _plainSeconds;

    /// <summary>Much less than 1 where the weights come from memory, near 1 where they lie in the caches.</summary>
    public double Value { get; private set; }

    /// <summary>Takes in what a step took.</summary>
    /// <param name="tokens">Its rows but for the guesses.</param>
    /// <param name="guesses">Its guesses.</param>
    /// <param name="taken">The time.</param>
    public void Learn(int tokens, int guesses, TimeSpan taken)
    {
        if (tokens != 1)
            return;
        if (guesses == 0)
            _plainSeconds = _plainSeconds == 0 ? taken.TotalSeconds : double.Lerp(_plainSeconds, taken.TotalSeconds, Weight);
        else if (_plainSeconds > 0)
            Value = double.Lerp(Value, Math.Clamp((taken.TotalSeconds / _plainSeconds - 1) / guesses, 0, 2), Weight);
    }
}
