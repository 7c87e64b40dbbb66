using System.Text;

namespace Cria.Benchmarks;

/// <summary>
/// Deterministic text: sentences in the eight languages of Llama 3.2, their slots filled with names and numbers so that no two are
/// alike, and this repository's own sources and Markdown.
/// </summary>
static class MixedText
{
    static readonly string[] Names = ["Amara", "Bruno", "Chloé", "Dieter", "Esra", "Farida", "Giulia", "Håkon", "Inês", "João", "Köhler", "Łukasz", "Müller", "Núria", "Östlund", "Priya"];

    static readonly Dictionary<string, string[]> Languages = new()
    {
        ["English"] =
        [
            "{name} promised to send the report by {number} o'clock, but the train from the coast was late again. ",
            "After the storm the village council met in the old schoolhouse and counted {number} broken windows. ",
            "Doesn't it worry you that {name}'s garden hasn't been watered since the {number}th of July? ",
            "The museum's new wing, which cost {number} million, opens next spring with paintings nobody has seen before.\n",
        ],
        ["German"] =
        [
            "{name} hat gestern {number} Bücher aus der Universitätsbibliothek ausgeliehen und keines davon gelesen. ",
            "Die Geschwindigkeitsbegrenzung auf der Straße nach Düsseldorf gilt ab Kilometer {number} nicht mehr. ",
            "Würdest du bitte überprüfen, ob die Rechnung über {number} Euro schon an {name} überwiesen wurde?\n",
        ],
        ["French"] =
        [
            "L'été dernier, {name} a traversé les Pyrénées à pied en {number} jours sans jamais se plaindre. ",
            "Qu'est-ce qu'il y a dans ces {number} boîtes que l'épicier a laissées devant la fenêtre ? ",
            "Nous n'aurions jamais dû prêter la clé de l'appartement à {name}, même pour {number} heures.\n",
        ],
        ["Italian"] =
        [
            "{name} abita al numero {number} di una strada così stretta che le biciclette non ci passano. ",
            "Perché la città è più tranquilla quando piove? Lo chiesero a {number} passanti, e nessuno rispose. ",
            "Dopodomani c'è il mercato dell'antiquariato: porterò {number} euro e non uno di più.\n",
        ],
        ["Portuguese"] =
        [
            "A avó de {name} fazia {number} pães por semana e distribuía-os pela vizinhança inteira. ",
            "Não há razão para que a reunião das {number} horas não possa ser adiada até amanhã. ",
            "O coração da cidade antiga fica do outro lado da ponte, a {number} metros da estação.\n",
        ],
        ["Spanish"] =
        [
            "¿Cuántas veces le dijiste a {name} que el autobús número {number} ya no pasa por aquí? ",
            "El año pasado llovió tan poco que el río bajó {number} centímetros en una sola semana. ",
            "Mañana por la mañana compraremos {number} kilos de naranjas y haremos mermelada.\n",
        ],
        ["Hindi"] =
        [
            "{name} ने कल बाज़ार से {number} किताबें खरीदीं और उन्हें अपने छोटे भाई को दे दीं। ",
            "क्या आप मुझे बता सकते हैं कि रेलवे स्टेशन यहाँ से {number} किलोमीटर दूर है या नहीं? ",
            "बारिश के मौसम में गाँव की सड़कें कीचड़ से भर जाती हैं, फिर भी बच्चे स्कूल जाते हैं।\n",
        ],
        ["Thai"] =
        [
            "เมื่อวานนี้ {name} เดินทางไปเชียงใหม่ด้วยรถไฟและใช้เวลาประมาณ {number} ชั่วโมง ",
            "ร้านอาหารเล็ก ๆ ริมแม่น้ำเปิดตั้งแต่เช้าจนถึงสี่ทุ่ม ราคาเริ่มต้นที่ {number} บาท ",
            "ถ้าพรุ่งนี้ฝนไม่ตก เราจะไปเดินเล่นที่สวนสาธารณะและถ่ายรูปดอกไม้กัน\n",
        ],
    };

    /// <summary>The repository's sources and Markdown, and about as many sentences of each of the languages as `perLanguage` says.</summary>
    public static Dictionary<string, string> Create(int perLanguage = 1500)
    {
        var texts = new Dictionary<string, string>
        {
            ["code"] = Files("*.cs", "src", "tests", "benchmarks"),
            ["Markdown"] = Files("*.md", "."),
        };
        var random = new Random(32);
        foreach (var (language, sentences) in Languages)
        {
            var text = new StringBuilder();
            for (var i = 0; i < perLanguage; i++)
                text.Append(sentences[random.Next(sentences.Length)].Replace("{name}", Names[random.Next(Names.Length)])
                    .Replace("{number}", random.Next(2, 3000).ToString()));
            texts[language] = text.ToString();
        }
        return texts;
    }

    static string Files(string pattern, params string[] folders)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Cria.slnx")))
            root = root.Parent;
        var files = folders.SelectMany(f => Directory.EnumerateFiles(Path.Combine(root?.FullName ?? ".", f), pattern, SearchOption.AllDirectories))
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}artifacts{Path.DirectorySeparatorChar}")).Order(StringComparer.Ordinal);
        return string.Join('\n', files.Select(File.ReadAllText));
    }
}
