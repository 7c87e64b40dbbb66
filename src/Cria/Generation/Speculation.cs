namespace Cria.Generation;

/// <summary>
/// How tokens are guessed ahead, so that the model checks several in one step. A token is chosen from the same logits with the same
/// random number as without, and stays if it was guessed: so the text, sampled or not, is the same in every case, only sooner.
/// </summary>
public enum Speculation
{
    /// <summary>Only what a constraint lets one foresee.</summary>
    Off,

    /// <summary>What stood behind the last tokens where they stood before: for summaries, corrections, code (Saxena 2023, prompt lookup decoding).</summary>
    Lookup,

    /// <summary>What a smaller model would write (Leviathan et al. 2023, arXiv 2211.17192): <see cref="GeneratorOptions.Draft"/>.</summary>
    Draft,
}
