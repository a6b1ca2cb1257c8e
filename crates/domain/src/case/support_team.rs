//! The support team of a participant (戒毒条例 17): who looks after them, by the place each holds in the team. Families and
//! volunteers have no account; a team names staff, and counts the others.

mod form_support_team;

pub use form_support_team::FormSupportTeam;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A place in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TeamPlace {
    /// 禁毒专干.
    CaseWorker,
    /// 社区民警.
    CommunityPolice,
    /// 社区医务人员.
    Medical,
    /// 家庭成员.
    Family,
    /// 志愿者.
    Volunteer,
    /// 网格员.
    GridWorker,
    /// 社工.
    SocialWorker,
}

impl TeamPlace {
    /// All places, in the order of their numbers in the API.
    pub const ALL: [TeamPlace; 7] = [
        TeamPlace::CaseWorker,
        TeamPlace::CommunityPolice,
        TeamPlace::Medical,
        TeamPlace::Family,
        TeamPlace::Volunteer,
        TeamPlace::GridWorker,
        TeamPlace::SocialWorker,
    ];

    /// The name, as in storage and in the templates of policy.
    pub fn as_str(self) -> &'static str {
        match self {
            TeamPlace::CaseWorker => "CASE_WORKER",
            TeamPlace::CommunityPolice => "COMMUNITY_POLICE",
            TeamPlace::Medical => "MEDICAL",
            TeamPlace::Family => "FAMILY",
            TeamPlace::Volunteer => "VOLUNTEER",
            TeamPlace::GridWorker => "GRID_WORKER",
            TeamPlace::SocialWorker => "SOCIAL_WORKER",
        }
    }
}

/// Somebody in a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamMember {
    /// Their place.
    pub place: TeamPlace,
    /// Staff id; nothing for who is no staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
}

/// A team was formed, or formed anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportTeamFormed {
    /// First day.
    pub from: Date,
    /// Who is in it, all of them.
    pub members: Vec<TeamMember>,
}

/// What of a template nobody in a team holds.
pub fn missing<'a>(members: &[TeamMember], template: &'a [String]) -> Vec<&'a str> {
    let held = |place: &&String| members.iter().any(|member| member.place.as_str() == place.as_str());
    template
        .iter()
        .filter(|place| !held(place))
        .map(String::as_str)
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::{active, reported};
    use crate::policy::Policy;
    use crate::rejection::Reason;

    fn team(places: &[TeamPlace]) -> FormSupportTeam {
        let member = |place: &TeamPlace| TeamMember {
            place: *place,
            staff: (*place == TeamPlace::CaseWorker).then(|| "worker-1".into()),
        };
        FormSupportTeam {
            from: date(2026, 3, 2),
            members: places.iter().map(member).collect(),
        }
    }

    #[test]
    fn a_team_is_whole_by_one_template_and_not_by_the_other() {
        // 戒毒条例 17: worker, police, medical staff, family, volunteer. 四位一体: grid worker instead of medical staff and family.
        use TeamPlace::{CaseWorker, CommunityPolice, Family, GridWorker, Medical, Volunteer};
        let policy = Policy::shipped("station-qinglongshan");
        let template = |key| policy.list(key, date(2026, 3, 2)).expect("is in force").value;
        let (statutory, local) = (template("team.template.statutory"), template("team.template.local"));
        let five = team(&[CaseWorker, CommunityPolice, Medical, Family, Volunteer]).members;
        let four = team(&[CaseWorker, Volunteer, GridWorker, CommunityPolice]).members;
        assert!(missing(&five, &statutory).is_empty());
        assert_eq!(missing(&five, &local), ["GRID_WORKER"]);
        assert_eq!(missing(&four, &statutory), ["MEDICAL", "FAMILY"]);
        assert!(missing(&four, &local).is_empty());
    }

    #[test]
    fn a_team_has_members_and_its_staff_have_codes() {
        let whole = team(&[TeamPlace::CaseWorker, TeamPlace::Family]);
        assert!(reported().when(&whole).is_ok(), "also before the agreement");
        assert_eq!(active().reason(&team(&[])), Reason::ListEmpty);
        let mut named = whole.clone();
        named.members[0].staff = Some("张三".into());
        assert_eq!(active().reason(&named), Reason::FieldInvalid);
        assert_eq!(
            active().on(date(2026, 3, 9)).reason(&FormSupportTeam {
                from: date(2026, 3, 1),
                ..whole
            }),
            Reason::OccurredBeforeCase
        );
    }
}
