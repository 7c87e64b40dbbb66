namespace Cria.Evaluation.Pocket;

/// <summary>
/// Eight languages over one small set of concepts, with the grammar that the phrases of <see cref="Translate"/> need: gender and
/// number agreement, the place of adjectives, articles and their elision, the German accusative, Thai classifiers.
/// </summary>
static class Lexicon
{
    public static readonly string[] Languages = ["English", "German", "French", "Italian", "Portuguese", "Hindi", "Spanish", "Thai"];

    /// <summary>A noun: English and its plural; "gender singular plural" in German, the Romance languages and Hindi; "noun classifier" in Thai.</summary>
    public sealed record Noun(string En, string EnPlural, string De, string Fr, string It, string Pt, string Es, string Hi, string Th);

    public static readonly Noun[] Nouns =
    [
        new("house", "houses", "n Haus Häuser", "f maison maisons", "f casa case", "f casa casas", "f casa casas", "m घर घर", "บ้าน หลัง"),
        new("dog", "dogs", "m Hund Hunde", "m chien chiens", "m cane cani", "m cachorro cachorros", "m perro perros", "m कुत्ता कुत्ते", "หมา ตัว"),
        new("cat", "cats", "f Katze Katzen", "m chat chats", "m gatto gatti", "m gato gatos", "m gato gatos", "f बिल्ली बिल्लियाँ", "แมว ตัว"),
        new("book", "books", "n Buch Bücher", "m livre livres", "m libro libri", "m livro livros", "m libro libros", "f किताब किताबें", "หนังสือ เล่ม"),
        new("car", "cars", "n Auto Autos", "f voiture voitures", "f macchina macchine", "m carro carros", "m coche coches", "f गाड़ी गाड़ियाँ", "รถ คัน"),
        new("flower", "flowers", "f Blume Blumen", "f fleur fleurs", "m fiore fiori", "f flor flores", "f flor flores", "m फूल फूल", "ดอกไม้ ดอก"),
        new("table", "tables", "m Tisch Tische", "f table tables", "m tavolo tavoli", "f mesa mesas", "f mesa mesas", "f मेज़ मेज़ें", "โต๊ะ ตัว"),
        new("door", "doors", "f Tür Türen", "f porte portes", "f porta porte", "f porta portas", "f puerta puertas", "m दरवाज़ा दरवाज़े", "ประตู บาน"),
        new("shirt", "shirts", "n Hemd Hemden", "f chemise chemises", "f camicia camicie", "f camisa camisas", "f camisa camisas", "f कमीज़ कमीज़ें", "เสื้อ ตัว"),
        new("boat", "boats", "n Boot Boote", "m bateau bateaux", "f barca barche", "m barco barcos", "m barco barcos", "f नाव नावें", "เรือ ลำ"),
        new("room", "rooms", "n Zimmer Zimmer", "f chambre chambres", "f stanza stanze", "m quarto quartos", "f habitación habitaciones", "m कमरा कमरे", "ห้อง ห้อง"),
        new("bag", "bags", "f Tasche Taschen", "m sac sacs", "f borsa borse", "f bolsa bolsas", "f bolsa bolsas", "m थैला थैले", "กระเป๋า ใบ"),
        new("fish", "fish", "m Fisch Fische", "m poisson poissons", "m pesce pesci", "m peixe peixes", "m pez peces", "f मछली मछलियाँ", "ปลา ตัว"),
        new("hat", "hats", "m Hut Hüte", "m chapeau chapeaux", "m cappello cappelli", "m chapéu chapéus", "m sombrero sombreros", "f टोपी टोपियाँ", "หมวก ใบ"),
        new("letter", "letters", "m Brief Briefe", "f lettre lettres", "f lettera lettere", "f carta cartas", "f carta cartas", "f चिट्ठी चिट्ठियाँ", "จดหมาย ฉบับ"),
        new("horse", "horses", "n Pferd Pferde", "m cheval chevaux", "m cavallo cavalli", "m cavalo cavalos", "m caballo caballos", "m घोड़ा घोड़े", "ม้า ตัว"),
        new("tree", "trees", "m Baum Bäume", "m arbre arbres", "m albero alberi", "f árvore árvores", "m árbol árboles", "m पेड़ पेड़", "ต้นไม้ ต้น"),
        new("key", "keys", "m Schlüssel Schlüssel", "f clé clés", "f chiave chiavi", "f chave chaves", "f llave llaves", "f चाबी चाबियाँ", "กุญแจ ดอก"),
        new("chair", "chairs", "m Stuhl Stühle", "f chaise chaises", "f sedia sedie", "f cadeira cadeiras", "f silla sillas", "f कुर्सी कुर्सियाँ", "เก้าอี้ ตัว"),
        new("apple", "apples", "m Apfel Äpfel", "f pomme pommes", "f mela mele", "f maçã maçãs", "f manzana manzanas", "m सेब सेब", "แอปเปิล ลูก"),
    ];

    /// <summary>
    /// An adjective: the German stem; "m f mp fp" of the Romance languages; Hindi "m mp f"; Thai. Those of size stand before the
    /// noun in French, and after the noun's classifier in Thai.
    /// </summary>
    public sealed record Adjective(string En, string De, string Fr, bool Size, string It, string Pt, string Es, string Hi, string Th);

    public static readonly Adjective[] Adjectives =
    [
        new("red", "rot", "rouge rouge rouges rouges", false, "rosso rossa rossi rosse", "vermelho vermelha vermelhos vermelhas", "rojo roja rojos rojas", "लाल लाल लाल", "สีแดง"),
        new("white", "weiß", "blanc blanche blancs blanches", false, "bianco bianca bianchi bianche", "branco branca brancos brancas", "blanco blanca blancos blancas", "सफ़ेद सफ़ेद सफ़ेद", "สีขาว"),
        new("black", "schwarz", "noir noire noirs noires", false, "nero nera neri nere", "preto preta pretos pretas", "negro negra negros negras", "काला काले काली", "สีดำ"),
        new("yellow", "gelb", "jaune jaune jaunes jaunes", false, "giallo gialla gialli gialle", "amarelo amarela amarelos amarelas", "amarillo amarilla amarillos amarillas", "पीला पीले पीली", "สีเหลือง"),
        new("green", "grün", "vert verte verts vertes", false, "verde verde verdi verdi", "verde verde verdes verdes", "verde verde verdes verdes", "हरा हरे हरी", "สีเขียว"),
        new("blue", "blau", "bleu bleue bleus bleues", false, "blu blu blu blu", "azul azul azuis azuis", "azul azul azules azules", "नीला नीले नीली", "สีน้ำเงิน"),
        new("small", "klein", "petit petite petits petites", true, "piccolo piccola piccoli piccole", "pequeno pequena pequenos pequenas", "pequeño pequeña pequeños pequeñas", "छोटा छोटे छोटी", "เล็ก"),
        new("big", "groß", "grand grande grands grandes", true, "grande grande grandi grandi", "grande grande grandes grandes", "grande grande grandes grandes", "बड़ा बड़े बड़ी", "ใหญ่"),
        new("clean", "sauber", "propre propre propres propres", false, "pulito pulita puliti pulite", "limpo limpa limpos limpas", "limpio limpia limpios limpias", "साफ़ साफ़ साफ़", "สะอาด"),
    ];

    static readonly Dictionary<string, string[]> Numbers = new()
    {
        ["English"] = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
        ["German"] = ["zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn"],
        ["French"] = ["deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"],
        ["Italian"] = ["due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci"],
        ["Portuguese"] = ["dois duas", "três", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez"],
        ["Hindi"] = ["दो", "तीन", "चार", "पाँच", "छह", "सात", "आठ", "नौ", "दस"],
        ["Spanish"] = ["dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"],
        ["Thai"] = ["สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า", "สิบ"],
    };

    public const int NumberCount = 9;

    /// <summary>Fixed phrases in the order of <see cref="Languages"/>.</summary>
    public static readonly string[][] Phrases =
    [
        ["thank you", "danke", "merci", "grazie", "obrigado", "धन्यवाद", "gracias", "ขอบคุณ"],
        ["good morning", "guten Morgen", "bonjour", "buongiorno", "bom dia", "सुप्रभात", "buenos días", "อรุณสวัสดิ์"],
        ["good night", "gute Nacht", "bonne nuit", "buonanotte", "boa noite", "शुभ रात्रि", "buenas noches", "ราตรีสวัสดิ์"],
        ["please", "bitte", "s'il vous plaît", "per favore", "por favor", "कृपया", "por favor", "กรุณา"],
        ["yes", "ja", "oui", "sì", "sim", "हाँ", "sí", "ใช่"],
        ["no", "nein", "non", "no", "não", "नहीं", "no", "ไม่"],
        ["see you tomorrow", "bis morgen", "à demain", "a domani", "até amanhã", "कल मिलते हैं", "hasta mañana", "เจอกันพรุ่งนี้"],
        ["how are you?", "wie geht es Ihnen?", "comment allez-vous ?", "come sta?", "como vai?", "आप कैसे हैं?", "¿cómo está?", "สบายดีไหม"],
        ["I do not understand", "ich verstehe nicht", "je ne comprends pas", "non capisco", "não entendo", "मैं नहीं समझता", "no entiendo", "ฉันไม่เข้าใจ"],
    ];

    /// <summary>What a phrase says, independent of language. Kinds: 0 the noun, 1 I have a noun, 2 where is the noun, 3 a number of nouns.</summary>
    public sealed record Meaning(int Kind, Noun Noun, Adjective? Adjective, int Number);

    /// <summary>A meaning in a language.</summary>
    public static string Say(string language, Meaning m) => language switch
    {
        "English" => English(m),
        "German" => German(m),
        "French" => Romance(m, m.Noun.Fr, m.Adjective?.Fr, m.Adjective?.Size == true, "French", "le", "la", "un", "une", "j'ai ", "où est ", " ?"),
        "Italian" => Romance(m, m.Noun.It, m.Adjective?.It, false, "Italian", "il", "la", "un", "una", "ho ", "dov'è ", "?"),
        "Portuguese" => Romance(m, m.Noun.Pt, m.Adjective?.Pt, false, "Portuguese", "o", "a", "um", "uma", "eu tenho ", "onde está ", "?"),
        "Spanish" => Romance(m, m.Noun.Es, m.Adjective?.Es, false, "Spanish", "el", "la", "un", "una", "tengo ", "¿dónde está ", "?"),
        "Hindi" => Hindi(m),
        _ => Thai(m),
    };

    static string English(Meaning m)
    {
        var adjective = m.Adjective is null ? "" : m.Adjective.En + " ";
        return m.Kind switch
        {
            0 => $"the {adjective}{m.Noun.En}",
            1 => $"I have {WordLists.A(adjective + m.Noun.En)}",
            2 => $"where is the {adjective}{m.Noun.En}?",
            _ => $"{Numbers["English"][m.Number]} {adjective}{m.Noun.EnPlural}",
        };
    }

    static string German(Meaning m)
    {
        var (gender, one, many) = Split(m.Noun.De);
        string Adjective(string ending) => m.Adjective is null ? "" : m.Adjective.De + ending + " ";
        return m.Kind switch
        {
            0 => $"{Definite()} {Adjective("e")}{one}",
            1 => $"ich habe {gender switch { "m" => "einen", "f" => "eine", _ => "ein" }} {Adjective(gender switch { "m" => "en", "f" => "e", _ => "es" })}{one}",
            2 => $"wo ist {Definite()} {Adjective("e")}{one}?",
            _ => $"{Numbers["German"][m.Number]} {Adjective("e")}{many}",
        };

        string Definite() => gender switch { "m" => "der", "f" => "die", _ => "das" };
    }

    static string Romance(Meaning m, string noun, string? adjective, bool before, string language,
        string mThe, string fThe, string mOne, string fOne, string have, string where, string questionMark)
    {
        var (gender, one, many) = Split(noun);
        var feminine = gender == "f";
        var forms = adjective?.Split(' ');
        var plural = m.Kind == 3;
        var form = forms?[(plural ? 2 : 0) + (feminine ? 1 : 0)];
        var core = plural ? many : one;
        var phrase = form is null ? core : before ? $"{form} {core}" : $"{core} {form}";
        var elides = language is "French" or "Italian" && "aeiou".Contains(phrase[0]);
        var the = elides ? "l'" : (feminine ? fThe : mThe) + " ";
        return m.Kind switch
        {
            0 => $"{the}{phrase}",
            1 => $"{have}{(feminine ? fOne : mOne)} {phrase}",
            2 => $"{where}{the}{phrase}{questionMark}",
            _ => $"{(Numbers[language][m.Number].Split(' ') is [var mn, var fn] ? feminine ? fn : mn : Numbers[language][m.Number])} {phrase}",
        };
    }

    static string Hindi(Meaning m)
    {
        var (gender, one, many) = Split(m.Noun.Hi);
        var forms = m.Adjective?.Hi.Split(' ');
        var plural = m.Kind == 3;
        var adjective = forms is null ? "" : (gender == "f" ? forms[2] : plural ? forms[1] : forms[0]) + " ";
        return m.Kind switch
        {
            0 => $"{adjective}{one}",
            1 => $"मेरे पास एक {adjective}{one} है",
            2 => $"{adjective}{one} कहाँ है?",
            _ => $"{Numbers["Hindi"][m.Number]} {adjective}{many}",
        };
    }

    static string Thai(Meaning m)
    {
        var (noun, classifier) = m.Noun.Th.Split(' ') is [var n, var c] ? (n, c) : (m.Noun.Th, "");
        var specific = m.Adjective?.Size == true && classifier != noun ? classifier : "";
        var phrase = $"{noun}{specific}{m.Adjective?.Th}";
        return m.Kind switch
        {
            0 => phrase,
            1 => $"ฉันมี{phrase}",
            2 => $"{phrase}อยู่ที่ไหน",
            _ => $"{phrase}{Numbers["Thai"][m.Number]}{classifier}",
        };
    }

    static (string Gender, string One, string Many) Split(string noun) =>
        noun.Split(' ') is [var gender, var one, var many] ? (gender, one, many) : throw new FormatException(noun);
}
