namespace Cria.Generation;

/// <summary>
/// How many prompt tokens one step may read: as many as fit a fifth of a second on this machine, so that running answers go on and a
/// cancellation is heard soon, within bounds that keep the matrix products efficient.
/// </summary>
sealed class PromptBudget
{
    const int Min = 16, Max = 512;
    const double StepSeconds = 0.2;

    /// <summary>The prompt tokens of the next step.</summary>
    public int Rows { get; private set; } = 64;

    /// <summary>Takes in what a step took; at most half or twice as many come next.</summary>
    public void Learn(int rows, TimeSpan taken)
    {
        if (rows < Rows && (rows == 0 || taken.TotalSeconds < StepSeconds))
            return; // says nothing about a full step
        var factor = Math.Clamp(StepSeconds / Math.Max(taken.TotalSeconds, 1e-6), 0.5, 2);
        Rows = Math.Clamp((int)(Rows * factor), Min, Max);
    }
}
