namespace Cria.Tokenization;

/// <summary>The 256 control tokens of Llama 3 in Meta's order; the first stands right behind the last ordinary token (spec 5.2).</summary>
static class SpecialTokens
{
    public const int Count = 256;

    /// <summary>The token of an image; `tokenizer.model` has it within the vocabulary, `tokenizer.json` behind the last.</summary>
    public const string Image = "<|image|>";

    /// <summary>Those that end a text: of base models the first, of the others the rest.</summary>
    public static string[] Ends { get; } = ["<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"];

    static readonly string[] First =
    [
        "<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>",
        "<|finetune_right_pad_id|>", "<|step_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>",
        "<|python_tag|>", Image,
    ];

    /// <summary>Meta's names (`tokenizer.model` holds none).</summary>
    public static string[] Meta { get; } =
        [.. First, .. Enumerable.Range(2, Count - First.Length).Select(k => $"<|reserved_special_token_{k}|>")];

    /// <summary>The names in the `tokenizer.json` of the text models: 128005 and 128011 on are reserved.</summary>
    public static string[] HuggingFace { get; } =
        [.. First[..5], "<|reserved_special_token_2|>", .. First[6..11], .. Enumerable.Range(3, Count - 11).Select(k => $"<|reserved_special_token_{k}|>")];
}
