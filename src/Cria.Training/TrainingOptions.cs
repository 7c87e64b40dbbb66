namespace Cria.Training;

/// <summary>How long, how fast and in what pieces to train.</summary>
sealed record TrainingOptions
{
    /// <summary>Optimizer steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Tokens a row, S.</summary>
    public int RowLength { get; init; } = 512;

    /// <summary>Rows a micro-batch.</summary>
    public int Rows { get; init; } = 4;

    /// <summary>Micro-batches a step.</summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>Threads: first for whole micro-batches, what is left for the products within one.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Whether the matrices of the blocks are trained by Muon; all else is by AdamW.</summary>
    public bool Muon { get; init; }

    /// <summary>The learning rate behind the warm-up.</summary>
    public double PeakRate { get; init; } = 2e-3;

    /// <summary>Steps of linear warm-up.</summary>
    public int WarmUp { get; init; } = 100;

    /// <summary>The last rate as a part of the peak.</summary>
    public double Floor { get; init; } = 0.02;

    public double WeightDecay { get; init; } = 0.1;
    public double Beta1 { get; init; } = 0.9;
    public double Beta2 { get; init; } = 0.95;
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Muon's momentum.</summary>
    public double Momentum { get; init; } = 0.95;

    /// <summary>The largest joint norm of the gradients.</summary>
    public double MaxNorm { get; init; } = 1;

    /// <summary>Steps between checkpoints; 0 = none.</summary>
    public int CheckpointEvery { get; init; } = 250;

    /// <summary>Steps between validations; 0 = none.</summary>
    public int ValidateEvery { get; init; } = 250;

    /// <summary>Micro-batches a validation.</summary>
    public int ValidationBatches { get; init; } = 8;

    /// <summary>The rate of a step: linear warm-up from peak/w, then a cosine down to the floor (training spec 1.2).</summary>
    public double Rate(int step)
    {
        if (step < WarmUp)
            return PeakRate * (step + 1) / WarmUp;
        var floor = PeakRate * Floor;
        return floor + (PeakRate - floor) * 0.5 * (1 + Math.Cos(Math.PI * (step - WarmUp) / Math.Max(1, Steps - WarmUp)));
    }
}
